# bootstrap.gp - refits of resampled rows, for the pairs of parameters that hang
# together most.
#
#   gnuplot -d -c bootstrap.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'bootstrap'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
