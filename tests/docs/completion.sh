#!/bin/bash
# Shells complete what the program takes.  bash is asked through the function
# that it would call, fish through its own `complete -C`; zsh reads the script
# without error and, in a pseudo-terminal, offers the verbs.
#
#   completion.sh QLAW
set -u
qlaw=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
complain() {
    echo "$*"
    bad=1
}
# The scripts call the program by its name.
mkdir "$work/bin"
ln -s "$(realpath "$qlaw")" "$work/bin/qlaw"
PATH=$work/bin:$PATH
cd "$work" || exit 1
touch one.ini two.txt
verbs=$(qlaw help | sed -n '/^verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p')

# --- bash
for shell in bash zsh fish; do
    qlaw completion $shell >"$work/$shell" || complain "no $shell script"
done
bash -n "$work/bash" || complain "bash does not read its script"
# shellcheck disable=SC1090
source "$work/bash"
ask() { # ask WORD... : what may stand for the last word
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _qlaw
    echo "${COMPREPLY[*]}"
}
expect() { # expect ANSWER WORD...
    want=$1
    shift
    got=$(ask "$@" 2>&1)
    [ "$got" = "$want" ] || complain "bash: '$*' gave '$got', not '$want'"
}
has() { # has WORD WORD... : the answer holds it
    want=$1
    shift
    case " $(ask "$@") " in
    *" $want "*) ;;
    *) complain "bash: '$*' does not offer '$want'" ;;
    esac
}
expect "plan plot" qlaw pl
expect "one.ini" qlaw run on
expect "one.ini" qlaw --db x.db run on
expect "--slots" qlaw run --sl
expect "svg" qlaw plot --term s
expect "svg" qlaw plot --term = s
expect "light" qlaw plot --theme l
expect "" qlaw run --slots ""
expect "model.d_model=" qlaw run -s model.d_m
expect "qat-delta qat-delta-paired" qlaw fit --law qat
expect "loss-curves" qlaw plot loss-c
expect "rebuild" qlaw db reb
expect "failures fits" qlaw query f
expect "two.txt" qlaw import csv two
for verb in $verbs; do
    has "$verb" qlaw ""
    qlaw "$verb" --help |
        sed -n '/^options:/,$s/^  \(-., \|    \)\(--[a-z0-9-]*\).*/\2/p' \
            >"$work/options"
    while read -r option; do
        has "$option" qlaw "$verb" -
    done <"$work/options"
done
# The words that are offered for an option are words that it takes.
for pair in plot:term plot:theme query:format; do
    verb=${pair%:*} option=${pair#*:}
    for word in $(ask qlaw "$verb" "--$option" ""); do
        if qlaw --db none.db "$verb" "--$option" "$word" delta-vs-N 2>&1 |
            grep -q -- "--$option"; then
            complain "$verb --$option does not take $word"
        fi
    done
done
# Grids come from the database.
printf 'N,D,loss\n1000,2000,3.5\n1000,4000,3.25\n' >t.csv
qlaw -q import csv t.csv --grid paper >log || complain "the import failed"
expect "paper" qlaw status pa

# --- zsh
if command -v zsh >/dev/null; then
    zsh -n "$work/zsh" || complain "zsh does not read its script"
    mkdir "$work/functions"
    cp "$work/zsh" "$work/functions/_qlaw"
    cat >"$work/ask.zsh" <<'EOF'
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1='>'; fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; bindkey '^I' complete-word; zstyle ':completion:*' list-prompt ''; setopt nobeep"
zpty -w z "echo rea''dy"
zpty -r z out '*ready*'
zpty -w -n z "qlaw $2"$'\t'
sleep $3
zpty -w -n z $'\x15echo do""ne\n'
while zpty -r z line; do print -r -- $line; [[ $line == *done* ]] && break; done
zpty -d z
EOF
    zsh_completes() { # zsh_completes TYPED WORD, patiently on a busy machine
        for pause in 1 4; do
            answer=$(timeout 30 zsh -f "$work/ask.zsh" "$work/functions" \
                "$1" $pause 2>&1)
            case $answer in *"$2"*) return ;; esac
        done
        complain "zsh does not complete 'qlaw $1' to $2: $answer"
    }
    zsh_completes "comple" "completion"
    zsh_completes "plot --the" "--theme"
else
    echo "zsh is not installed: not asked"
fi

# --- fish
if command -v fish >/dev/null; then
    fish -n "$work/fish" || complain "fish does not read its script"
    fish_says() {
        HOME=$work fish -N -c "source $work/fish; complete -C '$1'" 2>&1 |
            cut -f 1 | sort | tr '\n' ' '
    }
    [ "$(fish_says 'qlaw pl')" = "plan plot " ] ||
        complain "fish: 'qlaw pl' gave $(fish_says 'qlaw pl')"
    [ "$(fish_says 'qlaw plot --term s')" = "svg " ] ||
        complain "fish: --term s gave $(fish_says 'qlaw plot --term s')"
    [ "$(fish_says 'qlaw status pa')" = "paper " ] ||
        complain "fish: 'qlaw status pa' gave $(fish_says 'qlaw status pa')"
    [ "$(fish_says 'qlaw run --sl')" = "--slots " ] ||
        complain "fish: run --sl gave $(fish_says 'qlaw run --sl')"
else
    echo "fish is not installed: not asked"
fi
[ "$bad" = 0 ] && echo "$(echo "$verbs" | wc -l) verbs"
exit $bad
