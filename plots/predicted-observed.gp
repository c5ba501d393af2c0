# predicted-observed.gp - what the law says against what was measured: losses,
# and losses above the twins.  Runs held out of the fit are stars.
#
#   gnuplot -d -c predicted-observed.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'predicted-observed'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
