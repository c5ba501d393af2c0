# residuals.gp - what the law leaves over, against each variable.
#
#   gnuplot -d -c residuals.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'residuals'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
