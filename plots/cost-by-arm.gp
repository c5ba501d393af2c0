# cost-by-arm.gp - the mean cost of each arm with its interval.
#
#   gnuplot -d -c cost-by-arm.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'cost-by-arm'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
