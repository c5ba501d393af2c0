# style.gp - terminals, themes and colours of every figure; the first thing that
# a NAME.gp loads.
#
#   gnuplot -d -c NAME.gp [DATA [OUT [TERM [THEME]]]]
#
# DATA is a tab-separated file of named blocks (default NAME.dat), TERM is svg,
# png, pdf or dumb (default svg), THEME light or dark (default light).  Without
# arguments `gnuplot NAME.gp` draws NAME.svg again.
#
# All text comes from DATA and is shown as it is (noenhanced): a label is never
# read as markup, a format or a command.

if (!exists('DATA') || DATA eq '') DATA = NAME.'.dat'
if (!exists('TERM') || TERM eq '') TERM = 'svg'
if (!exists('THEME') || THEME eq '') THEME = 'light'
if (!exists('OUT') || OUT eq '') OUT = NAME.(THEME eq 'dark' ? '-dark' : '').'.'.TERM

set encoding utf8
set decimalsign '.'
set datafile separator "\t"
set datafile commentschars '#'

# What C laid out, by number (the names stand beside it in DATA).  A text that
# is empty is one space, because gnuplot cannot read an empty cell.
array TEXT[8]
array LAYOUT[18]
stats DATA index 'texts' using (TEXT[int($1) + 1] = strcol(3), $1) nooutput
stats DATA index 'layout' using (LAYOUT[int($1) + 1] = $3, $1) nooutput
TITLE = TEXT[1]; SUBTITLE = TEXT[2]; NOTE = TEXT[3]; KEYTITLE = TEXT[4]
PANELS = int(LAYOUT[1]); COLUMNS = int(LAYOUT[2]); ROWS = int(LAYOUT[3])
WIDTH = LAYOUT[4]; HEIGHT = LAYOUT[5]
SERIES = int(LAYOUT[6]); KEYMODE = int(LAYOUT[7]); KEYLENGTH = LAYOUT[8]
YTICLENGTH = LAYOUT[9]; TICS = int(LAYOUT[10]); LABELS = int(LAYOUT[11])
KEYROWS = int(LAYOUT[12]); SHAREY = int(LAYOUT[13])
CURVES = int(LAYOUT[14]); BANDS = int(LAYOUT[15])
# On paper a picture has a width in inches and letters in points; a unit of
# layout is then UNIT inches.  On a screen it is a pixel.
PAPER = int(LAYOUT[16]); LETTER = LAYOUT[17]
UNIT = (PAPER ? LETTER / 9.6 : 1) / 120.
FAMILY = TEXT[5] eq ' ' ? (TERM eq 'svg' ? 'sans-serif' : 'sans') : TEXT[5]
SVG = PAPER ? 96 * UNIT : 1
PNG = PAPER ? 300 * UNIT : 1

DUMB = TERM eq 'dumb'
DARK = THEME eq 'dark'
FG    = DARK ? 0xe6e6e6 : 0x1a1a1a
SOFT  = DARK ? 0xa8adb5 : 0x5a5f66
FAINT = DARK ? 0x33383f : 0xe3e5e8
BG    = DARK ? '#16181d' : '#ffffff'
BGRGB = DARK ? 0x16181d : 0xffffff
hex(rgb) = sprintf('#%06x', rgb)

# A character in fractions of the picture: how much room labels need.
FONT = 16.0
CW = DUMB ? 1.0 / 80 : 0.6 * FONT / WIDTH
CH = DUMB ? 1.0 / (ROWS > 1 ? 44 : 28) : 1.3 * FONT / HEIGHT
LINE = 2.2
SIZE = (TERM eq 'svg' ? 0.65 : 1) * (PAPER && TERM eq 'png' ? PNG : 1) # of points: each terminal has its own unit
SINK = DUMB ? 0 : -0.2          # a text stands on its baseline

if (TERM eq 'svg') \
  set terminal svg size WIDTH * SVG, HEIGHT * SVG \
    font FAMILY.','.sprintf('%g', 16 * SVG) noenhanced background BG \
    linewidth SVG
if (TERM eq 'png') \
  set terminal pngcairo size WIDTH * PNG, HEIGHT * PNG font FAMILY.',16' \
    fontscale 0.75 * PNG noenhanced background BG linewidth PNG
if (TERM eq 'pdf') \
  set terminal pdfcairo size WIDTH * UNIT, HEIGHT * UNIT font FAMILY.',16' \
    fontscale 72 * UNIT noenhanced background BG linewidth 90 * UNIT
if (DUMB) set terminal dumb size 80, (ROWS > 1 ? 44 : 28) noenhanced
set output OUT

# Colours that people with any colour vision tell apart (Okabe and Ito 2008),
# the darker ones first; steps of a number take viridis, which also orders them
# in grey.  Shapes and dashes are the second cue.
array OKABE[8] = [0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, \
                  DARK ? 0xf0e442 : 0x8c6d00, 0x7f7f7f]
array VIRIDIS[17] = [0x440154, 0x481769, 0x472a7a, 0x433d84, 0x3d4e8a, \
  0x355e8d, 0x2e6d8e, 0x297b8e, 0x23898e, 0x1f978b, 0x21a585, 0x35b479, \
  0x54c568, 0x7ad151, 0xa5db36, 0xd2e21b, 0xfde725]
array SHAPE[8] = [7, 5, 9, 13, 11, 6, 4, 10]
array DASH[6] = [1, 2, 4, 3, 5, 1]
STAR = 3

viridis(v) = VIRIDIS[1 + int(floor(16 * (v < 0 ? 0 : v > 1 ? 1 : v) + 0.5))]
# Very light steps vanish on white, very dark ones on black.
step(v) = viridis(DARK ? 0.3 + 0.7 * v : 0.88 * v)

if (SERIES > 0) {
  array NAMES[SERIES]
  array COLOUR[SERIES]
  array POINT[SERIES]
  array STROKE[SERIES]
  # hue < 0: the text's own colour, or with a shade a step of viridis
  colour(hue, shade) = shade >= 0 ? step(shade) : \
    hue < 0 ? FG : OKABE[1 + int(hue) % 8]
  stats DATA index 'series' using (NAMES[int($1) + 1] = strcol(2), \
    COLOUR[int($1) + 1] = colour($3, $4), \
    POINT[int($1) + 1] = SHAPE[1 + int($5) % 8], \
    STROKE[int($1) + 1] = DASH[1 + int($6) % 6], $1) nooutput
}
series_colour(s) = s < 0 ? SOFT : COLOUR[int(s) + 1]
series_point(s) = s < 0 ? 7 : POINT[int(s) + 1]

set border 3 linecolor rgb hex(SOFT)
set tics nomirror textcolor rgb hex(FG)
set grid xtics ytics back linetype 1 linecolor rgb hex(FAINT) linewidth 1
if (DUMB) unset grid
unset key
