# parts-whole.gp - the cost of operands quantized together against the sum of
# what each costs alone.
#
#   gnuplot -d -c parts-whole.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'parts-whole'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
