# delta-vs-D.gp - loss above the unquantized twin against training tokens, a
# line a group size, a panel a format, with the law drawn through.
#
#   gnuplot -d -c delta-vs-D.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'delta-vs-D'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
