# loss-vs-N.gp - validation loss against model size, a line a number of
# tokens, a panel a format, with the law drawn through.
#
#   gnuplot -d -c loss-vs-N.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'loss-vs-N'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
