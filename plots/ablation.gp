# ablation.gp - a bar for each operand: what quantizing it alone costs.
#
#   gnuplot -d -c ablation.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'ablation'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
