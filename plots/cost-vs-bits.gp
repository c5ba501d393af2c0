# cost-vs-bits.gp - what formats cost against the bits they store.
#
#   gnuplot -d -c cost-vs-bits.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'cost-vs-bits'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
