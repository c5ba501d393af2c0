# loss-vs-G.gp - validation loss against group size, a line a model size, a
# panel a format, beside the losses of the unquantized twins.
#
#   gnuplot -d -c loss-vs-G.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'loss-vs-G'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
