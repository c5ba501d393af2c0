# delta-vs-G.gp - loss above the unquantized twin against group size, a line a
# model size, a panel a format, with the law drawn through.
#
#   gnuplot -d -c delta-vs-G.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'delta-vs-G'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
