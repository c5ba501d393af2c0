# loss-vs-D.gp - validation loss against training tokens, a line a model size,
# a panel a format, with the law drawn through.
#
#   gnuplot -d -c loss-vs-D.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'loss-vs-D'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
