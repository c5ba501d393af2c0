# law-vs-variables.gp - the law along each variable, with its bands and the rows.
#
#   gnuplot -d -c law-vs-variables.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'law-vs-variables'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
