# delta-contour.gp - lines of equal loss above the twin over tokens and model
# size, by the law; dots are what was run.
#
#   gnuplot -d -c delta-contour.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'delta-contour'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
