# precision-compute.gp - the number of bits that makes the best of a budget
# of operations.
#
#   gnuplot -d -c precision-compute.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'precision-compute'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
