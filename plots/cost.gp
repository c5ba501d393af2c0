# cost.gp - the time of each run against its planned operations.
#
#   gnuplot -d -c cost.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'cost'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
