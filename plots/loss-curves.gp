# loss-curves.gp - losses on the way by arm, seeds as bands, and below them the
# distance from the unquantized twin's curve.
#
#   gnuplot -d -c loss-curves.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'loss-curves'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
