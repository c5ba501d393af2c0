# critical-data.gp - tokens beyond which more of them raise the loss of a
# quantized model, against model size.
#
#   gnuplot -d -c critical-data.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'critical-data'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
