# @NAME@.gp - draws @NAME@.dat as panels.gp says.
#
#   gnuplot -d -c @NAME@.gp [DATA [OUT [TERM [THEME]]]]

NAME = '@NAME@'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
