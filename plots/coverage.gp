# coverage.gp - what of a grid was run: arms against model size and tokens.
#
#   gnuplot -d -c coverage.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'coverage'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
