# effective-parameters.gp - the size of the unquantized model with the same
# loss, as a share of N: lines over tokens and model size, by the law.
#
#   gnuplot -d -c effective-parameters.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'effective-parameters'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
