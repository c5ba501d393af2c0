# split-map.gp - loss above the twin by exponent and mantissa bits; the best
# split of each number of bits is framed.
#
#   gnuplot -d -c split-map.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'split-map'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
