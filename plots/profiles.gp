# profiles.gp - the rise of the fit's objective when one parameter is moved
# and all others follow.
#
#   gnuplot -d -c profiles.gp [DATA [OUT [TERM [THEME]]]]

NAME = 'profiles'
DATA = ARG1; OUT = ARG2; TERM = ARG3; THEME = ARG4
load 'style.gp'
load 'panels.gp'
