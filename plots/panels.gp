# panels.gp - one or several panels of points, lines, bands and boxes, as the
# blocks of DATA say; NAME.gp loads it after style.gp.
#
#   panels  panel title xlabel ylabel xlog xmin xmax ylog ymin ymax
#           points boxes texts band_first band_last curve_first curve_last
#   tics    panel axis at text        axis 0: x, 1: y
#   points  panel series x y lo hi shape size     shape < 0: the series' own
#   curves  panel series x y look     a curve is a run of lines, NaN breaks it;
#                                     look 0 solid, 1 thin, 2 the series' dash
#   bands   panel series x lo hi      a band is a run of lines
#   boxes   panel series x y xlo xhi ylo yhi shade     shade < 0: its series'
#   marks   panel series x y text shade          shade < 0: a name on a line
#   labels  panel series y text       names beside the ends of lines
#   key     series text               names at the right edge
#
# A series of -1 is drawn in grey.

array TITLES[PANELS]; array XLABEL[PANELS]; array YLABEL[PANELS]
array XLOG[PANELS]; array XMIN[PANELS]; array XMAX[PANELS]
array YLOG[PANELS]; array YMIN[PANELS]; array YMAX[PANELS]
array POINTS[PANELS]; array BARS[PANELS]; array BOXES[PANELS]; array MARKS[PANELS]; array NAMES_AT[PANELS]
array BAND0[PANELS]; array BAND1[PANELS]; array CURVE0[PANELS]; array CURVE1[PANELS]
stats DATA index 'panels' using ( \
  p = int($1) + 1, TITLES[p] = strcol(2), XLABEL[p] = strcol(3), \
  YLABEL[p] = strcol(4), XLOG[p] = $5, XMIN[p] = $6, XMAX[p] = $7, \
  YLOG[p] = $8, YMIN[p] = $9, YMAX[p] = $10, POINTS[p] = $11, BARS[p] = $12, \
  BOXES[p] = $13, MARKS[p] = $14, NAMES_AT[p] = $15, BAND0[p] = $16, \
  BAND1[p] = $17, CURVE0[p] = $18, CURVE1[p] = $19, $1) nooutput
array TICPANEL[TICS + 1]; array TICAXIS[TICS + 1]
array TICAT[TICS + 1]; array TICTEXT[TICS + 1]
if (TICS > 0) stats DATA index 'tics' using (k = int($0) + 1, \
  TICPANEL[k] = $1, TICAXIS[k] = $2, TICAT[k] = $3, TICTEXT[k] = strcol(4), \
  $1) nooutput
array LABELPANEL[LABELS + 1]; array LABELSERIES[LABELS + 1]
array LABELY[LABELS + 1]; array LABELTEXT[LABELS + 1]
if (LABELS > 0) stats DATA index 'labels' using (k = int($0) + 1, \
  LABELPANEL[k] = $1, LABELSERIES[k] = $2, LABELY[k] = $3, \
  LABELTEXT[k] = strcol(4), $1) nooutput
array KEYSERIES[KEYROWS + 1]; array KEYTEXT[KEYROWS + 1]
if (KEYROWS > 0) stats DATA index 'key' using (k = int($0) + 1, \
  KEYSERIES[k] = $1, KEYTEXT[k] = strcol(2), $1) nooutput
array CURVESERIES[CURVES + 1]; array CURVELOOK[CURVES + 1]
if (CURVES > 0) stats DATA index 'curves' using (k = int(column(-1)) + 1, \
  CURVESERIES[k] = $2, CURVELOOK[k] = $5, $1) nooutput
array BANDSERIES[BANDS + 1]
if (BANDS > 0) stats DATA index 'bands' using ( \
  BANDSERIES[int(column(-1)) + 1] = $2, $1) nooutput
curve_dash(c) = CURVELOOK[c + 1] == 0 ? 1 : CURVELOOK[c + 1] == 1 ? 2 : \
  CURVESERIES[c + 1] < 0 ? 1 : STROKE[int(CURVESERIES[c + 1]) + 1]

# Characters cannot be turned: what the y axis is stands below the title, in a
# line of its own where there is no room, or in the titles of panels when it is
# not the same for all.
YWORDS = DUMB && SHAREY == 1 && YLABEL[1] ne ' ' ? 'y: '.YLABEL[1] : ''
ALONE = YWORDS ne '' && SUBTITLE ne ' ' && \
  strlen(SUBTITLE) + strlen(YWORDS) > 76

# Room, in fractions of the picture: titles above, the note below, names of
# series at the right of each panel (KEYMODE 1) or of the picture (KEYMODE 2).
TOP = 1 - CH * (1.9 + (SUBTITLE eq ' ' ? 0 : 1.2) + ALONE)
BOTTOM = CH * (NOTE eq ' ' ? 0.4 : 1.7)
RIGHT = 1 - (KEYMODE == 2 ? CW * (1.05 * KEYLENGTH + 4) : 0)
BESIDE = CW * (KEYMODE == 1 ? KEYLENGTH + 5 : 2)
LEFTMOST = CW * (YTICLENGTH + 5)
LEFT = SHAREY ? CW * 2.5 : LEFTMOST
STEP = (RIGHT - LEFTMOST + LEFT) / COLUMNS
RISE = (TOP - BOTTOM) / ROWS

set label 1000 TITLE at screen CW, screen 1 - CH left font ',19' \
  textcolor rgb hex(FG) noenhanced
set label 1001 SUBTITLE.(YWORDS eq '' ? '' : ALONE ? "\n".YWORDS : \
  '; '.YWORDS) at screen CW, screen 1 - 2.2 * CH left font ',14' \
  textcolor rgb hex(SOFT) noenhanced
set label 1002 NOTE at screen CW, screen 0.75 * CH left font ',13' \
  textcolor rgb hex(SOFT) noenhanced
if (KEYMODE == 2) {
  set label 1003 KEYTITLE at screen RIGHT + CW, screen TOP - 0.6 * CH left \
    font ',14' textcolor rgb hex(SOFT) noenhanced
  do for [k = 1:KEYROWS] {
    set label 1010 + k KEYTEXT[k] at screen RIGHT + 1.5 * CW, \
      screen TOP - (k + 0.7) * 1.25 * CH left offset character 1.5, SINK \
      point pointtype series_point(KEYSERIES[k]) pointsize 1.1 * SIZE \
      linecolor rgb hex(series_colour(KEYSERIES[k])) font ',14' \
      textcolor rgb hex(FG) noenhanced
  }
}

# What a panel may hold.  A plot of nothing would warn, so the parts that are
# there are put together and evaluated; they hold no word of DATA.
BLOCK = ' every :::i - 1::i - 1 '
DRAW_BOXES = "DATA index 'boxes'".BLOCK."using 3:4:5:6:7:8:".\
  "($9 >= 0 ? viridis($9) : series_colour($2)) with boxxyerror ".\
  "fillstyle solid noborder linecolor rgb variable notitle"
DRAW_BANDS = "for [b = int(BAND0[i]):int(BAND1[i])] DATA index 'bands' ".\
  "every :::b::b using 3:4:5 with filledcurves fillstyle transparent ".\
  "solid 0.2 noborder linecolor rgb hex(series_colour(BANDSERIES[b + 1])) notitle"
DRAW_CURVES = "for [c = int(CURVE0[i]):int(CURVE1[i])] DATA index 'curves' ".\
  "every :::c::c using 3:4 with lines dashtype curve_dash(c) ".\
  "linewidth (CURVELOOK[c + 1] == 1 ? 1.3 : LINE) ".\
  "linecolor rgb hex(series_colour(CURVESERIES[c + 1])) notitle"
DRAW_BARS = "DATA index 'points'".BLOCK."using (valid(5) ? $3 : NaN):4:5:6:".\
  "(series_colour($2)) with yerrorbars pointtype 0 pointsize 0 ".\
  "linewidth 1.5 linecolor rgb variable notitle"
DRAW_POINTS = "DATA index 'points'".BLOCK."using ($8 > 0 ? $3 : NaN):4:($8 * SIZE):".\
  "($7 < 0 ? series_point($2) : $7):(series_colour($2)) with points ".\
  "pointsize variable pointtype variable linewidth 1.5 linecolor rgb variable notitle"
DRAW_MARKS = "DATA index 'marks'".BLOCK."using ($6 < 0 ? NaN : $3):4:5:".\
  "($6 >= 0.55 ? 0x000000 : 0xfefefe) with labels noenhanced ".\
  "font ',14' textcolor rgb variable notitle"
DRAW_NAMES = "DATA index 'marks'".BLOCK."using ($6 < 0 ? $3 : NaN):4:5:".\
  "($2 < 0 ? FG : series_colour($2)) with labels boxed noenhanced ".\
  "font ',14' textcolor rgb variable notitle"
set style textbox opaque noborder fillcolor rgb BG margins 0.6, 0.3

set multiplot
do for [i = 1:PANELS] {
  col = (i - 1) % COLUMNS
  row = (i - 1) / COLUMNS
  x0 = LEFTMOST + col * STEP
  set lmargin at screen x0
  x1 = x0 + STEP - LEFT - BESIDE
  set rmargin at screen x1
  set tmargin at screen TOP - row * RISE - CH * (TITLES[i] eq ' ' ? 0.3 : 1.5)
  set bmargin at screen TOP - (row + 1) * RISE + CH * (XLABEL[i] eq ' ' ? 1.7 : ROWS > 1 ? 3.3 : 2.9)

  unset logscale
  if (XLOG[i]) { set logscale x }
  if (YLOG[i]) { set logscale y }
  set xrange [XMIN[i]:XMAX[i]] noextend
  set yrange [YMIN[i]:YMAX[i]] noextend
  set xtics () noenhanced offset 0, 0.3 scale 0.6
  set ytics () noenhanced offset 0.5, 0 scale 0.6
  do for [k = 1:TICS] {
    if (TICPANEL[k] == i - 1 && TICAXIS[k] == 0) {
      set xtics add (TICTEXT[k] TICAT[k])
    }
    if (TICPANEL[k] == i - 1 && TICAXIS[k] == 1) {
      words = SHAREY > 0 && col > 0 ? '' : TICTEXT[k]
      set ytics add (words TICAT[k])
    }
  }
  # Of three panels of characters in a row the one in the middle has room.
  set xlabel (DUMB && COLUMNS == 3 && col != 1 ? ' ' : XLABEL[i]) \
    noenhanced offset 0, 0.5 textcolor rgb hex(FG)
  words = TITLES[i].(DUMB && SHAREY != 1 && YLABEL[i] ne ' ' ? ' | '.YLABEL[i] : '')
  set label 1004 words at graph 0, graph 1 offset 0, (DUMB ? 1 : 0.8) left font ',15' \
    textcolor rgb hex(FG) noenhanced
  # One label for all panels that share an axis, else one for each row.
  words = DUMB || SHAREY > 0 && col > 0 || SHAREY == 1 && row > 0 ? '' : YLABEL[i]
  set label 1005 words at screen x0 - LEFTMOST + 1.3 * CW, \
    screen (SHAREY == 1 ? (TOP + BOTTOM) / 2 : TOP - (row + 0.5) * RISE) \
    center rotate by 90 font ',15' textcolor rgb hex(FG) noenhanced
  do for [k = 1:LABELS] {
    unset label k
    if (LABELPANEL[k] == i - 1) {
      set label k LABELTEXT[k] at screen x1 + 1.5 * CW, first LABELY[k] left \
        offset character 1.2, SINK font ',14' textcolor rgb hex(FG) noenhanced
      set label k point pointtype series_point(LABELSERIES[k]) \
        pointsize 0.9 * SIZE linecolor rgb hex(series_colour(LABELSERIES[k]))
    }
  }
  command = ''
  if (BOXES[i] > 0) { command = command.', '.DRAW_BOXES }
  if (BAND1[i] >= BAND0[i]) { command = command.', '.DRAW_BANDS }
  if (CURVE1[i] >= CURVE0[i]) { command = command.', '.DRAW_CURVES }
  if (BARS[i] > 0) { command = command.', '.DRAW_BARS }
  if (POINTS[i] > 0) { command = command.', '.DRAW_POINTS }
  if (MARKS[i] > 0) { command = command.', '.DRAW_MARKS }
  if (NAMES_AT[i] > 0) { command = command.', '.DRAW_NAMES }
  eval 'plot '.(command eq '' ? 'NaN' : command[3:*])
  if (i == 1) {
    unset label 1000; unset label 1001; unset label 1002; unset label 1003
    do for [k = 1:KEYROWS] { unset label 1010 + k }
  }
}
unset multiplot
