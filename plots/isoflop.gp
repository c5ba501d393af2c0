# isoflop.gp - the profile of each budget and the sizes that are best.
#
#   gnuplot -d -c isoflop.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'isoflop'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
