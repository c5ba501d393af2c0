/* preset_setting.h - fmt=mxfp4 as the settings that a law asks for. */
#ifndef HARNESS_STUDY_PRESET_SETTING_H
#define HARNESS_STUDY_PRESET_SETTING_H

#include "fit/model.h"

/* The settings (NAME=VALUE) with each preset taken apart: fmt=mxfp4 is the
 * fitted format with elements e2m1, and G, B, E, M and P where the law has
 * them and nothing else sets them.  What is no preset, or was fitted by that
 * name, stays.  *n counts; the caller frees the list and its texts. */
char **preset_settings(int *n, const struct model *m, char *const *settings,
                       int count);

#endif
