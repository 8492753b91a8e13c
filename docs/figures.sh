# Functions with which the documents extract a figure from an answer; update.sh
# reads this file. Formats are those of printf.

# Runs a command that should fail with an exit code: exits CODE COMMAND...
exits() {
  local code=0
  "${@:2}" || code=$?
  [[ $code == "$1" ]]
}

# An awk expression of columns of the first row of a CSV on stdin, in which
# column("NAME") is one of them: compute FORMAT EXPRESSION.
compute() {
  awk -F, -v format="$1" "
    function column(name) {
      if (!(name in at)) { print \"no column \" name > \"/dev/stderr\"; exit 1 }
      return \$at[name]
    }
    NR == 1 { for (i = 1; i <= NF; i++) at[\$i] = i }
    NR == 2 { printf format \"\\n\", $2; found = 1 }
    END { exit !found }"
}

# One column of that row: field COLUMN FORMAT [FACTOR].
field() { compute "$2" "column(\"$1\") * ${3:-1}"; }

# A column of the row of a CSV that has a value in another column:
# cell KEY_COLUMN KEY COLUMN FORMAT [FACTOR].
cell() {
  awk -F, -v key_column="$1" -v key="$2" -v column="$3" -v format="$4" \
    -v factor="${5:-1}" '
    NR == 1 { for (i = 1; i <= NF; i++) { if ($i == key_column) of = i; if ($i == column) at = i } }
    NR > 1 && of && at && $of == key && !found { printf format "\n", $at * factor; found = 1 }
    END { exit !found }'
}

# A constant of a machine: constant MACHINE PATH FORMAT [FACTOR].
constant() {
  tokenjoule explain --hardware="$1" "$2" --format=csv |
    cell path "hardware.$2" value "$3" "${4:-1}"
}

# The scored measured rows, one per line, with the columns
#   device host_bound check_only overfull step_time_error energy_error covered
#   model batch
# and "-" for the error of a quantity that was not measured.
scored_rows() {
  local measurements=$1
  tokenjoule validate --measurements="$measurements" --format=csv | awk -F, '
    # The rows of the file that no machine is fitted to.
    FNR == NR {
      if ($0 ~ /^row \{/) ++row
      if ($0 ~ / host_bound: true/) host[row] = 1
      if ($0 ~ / check_only: true/) check[row] = 1
      next
    }
    FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    {
      row = $at["row"]
      time = $at["measured_step_time_s"] > 0 ? $at["step_time_error"] : "-"
      energy = $at["measured_energy_per_token_j"] > 0 ? $at["energy_error"] : "-"
      measured = $at["measured_energy_per_token_j"]
      covered = measured >= $at["predicted_energy_per_token_j_low"] &&
                measured <= $at["predicted_energy_per_token_j_high"]
      print $at["device"], host[row] + 0, check[row] + 0, $at["overfull"], time, energy, covered,
        $at["model"], $at["batch"]
    }' "$measurements" -
}

# scored_rows of devices (a pattern) and of a kind of rows: fitted, check, host
# (bound), overfull (and not host-bound), all (but checks), every.
rows_of() {
  scored_rows "$1" | awk -v device="^($2)\$" -v kind="$3" '
    $1 !~ device { next }
    kind == "every" || (kind == "check" && $3) || (kind == "host" && $2) ||
    (kind == "overfull" && $4 == "true" && !$2) || (kind == "all" && !$3) ||
    (kind == "fitted" && !$2 && !$3 && $4 == "false")'
}

# The smallest and the largest error in percent, without signs if all have the
# same sign: spread MEASUREMENTS DEVICES KIND MODELS LEAST_BATCH LARGEST_BATCH
# QUANTITY.
spread() {
  local column=5
  [[ $7 == energy ]] && column=6
  rows_of "$1" "$2" "$3" |
    awk -v c="$column" -v model="^($4)\$" -v least="$5" -v most="$6" '
      $c != "-" && $8 ~ model && $9 >= least && $9 <= most { print 100 * $c }' | sort -g |
    awk '{ value[NR] = $1 }
      END {
        if (!NR) exit 1
        low = value[1]; high = value[NR]
        if (high < 0) { low = -value[NR]; high = -value[1] }
        printf "%.0f to %.0f\n", low, high
      }'
}

# Median and ninetieth percentile of the absolute errors of step_time or energy:
# errors MEASUREMENTS DEVICE KIND QUANTITY FORMAT, linear between neighbours.
errors() {
  local column=5
  [[ $4 == energy ]] && column=6
  rows_of "$1" "$2" "$3" |
    awk -v c="$column" '$c != "-" { print ($c < 0 ? -$c : $c) }' | sort -g |
    awk -v format="$5" '
      function at(share,  place, below, above) {
        place = share * (NR - 1); below = int(place)
        above = below + 1 < NR ? below + 1 : below
        return 100 * (value[below] + (place - below) * (value[above] - value[below]))
      }
      { value[NR - 1] = $1 }
      END { if (!NR) exit 1; printf format "\n", at(0.5), at(0.9) }'
}

# The number of rows: count MEASUREMENTS DEVICE KIND.
count() { rows_of "$@" | awk 'END { print NR }'; }

# Percentage of the measured energies that are inside the printed range:
# coverage MEASUREMENTS DEVICES [KIND].
coverage() {
  rows_of "$1" "$2" "${3:-all}" | awk '$6 != "-" { ++n; held += $7 }
    END { if (!n) exit 1; printf "%.0f\n", 100 * held / n }'
}

# The median error of models held out, in percent, as cited in the file of the
# machine, because the fit itself takes minutes: held_out MACHINE QUANTITY
# FORMAT.
held_out() {
  local words="of ${2/_/ }"
  tokenjoule explain --hardware="$1" --format=csv |
    sed -n "s/.*models held out.* $words \([0-9.]*\) %.*/\1/p" |
    awk -v format="$3" 'NR == 1 { printf format "\n", $1 } END { exit !NR }'
}
