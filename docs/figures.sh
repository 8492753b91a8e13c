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

# Median and ninetieth percentile of the absolute errors on rows that the joint
# fit had not seen, from the table that it wrote: unseen FILE KIND ROWS QUANTITY,
# where KIND is what was left out (nothing, model, machine, runtime), ROWS is
# "all", "family dense" or a name, and QUANTITY is step_time or energy.
unseen() {
  awk -F '  +' -v kind="$2" -v rows="$3" -v column="$([[ $4 == energy ]] && echo 8 || echo 5)" '
    $2 == kind && $3 == rows { print $column; found = 1 }
    END { exit !found }' "$1"
}

# The share of measured values that the printed ranges hold, in percent: covered
# FOLDER FAMILY QUANTITY.
covered() {
  local quantity=$3
  [[ $quantity == energy ]] && quantity=energy_per_token_j || quantity=step_time_s
  tokenjoule validate --measurements="$1" --format=csv | awk -F, -v family="$2" -v q="$quantity" '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    family == "all" || $at["family"] == family {
      measured = $at["measured_" q]
      if (!(measured > 0)) next
      ++n
      held += measured >= $at["predicted_" q "_low"] && measured <= $at["predicted_" q "_high"]
    }
    END { if (!n) exit 1; printf "%.0f\n", 100 * held / n }'
}
