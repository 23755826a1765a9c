#!/bin/sh
# Installs an update of the operating system, once: sh os-update.sh WORK_FOLDER
#
# Environment:
#   UPDATE_NO        number of the update; 0 is none
#   UPDATE_COMMANDS  commands, as a JSON list of strings or one a line; each is run by sh in the work folder
#   UPDATE_REBOOT    true, or false to go on without a reboot
#
# The work folder keeps, across restarts and power cuts:
#   installed        numbers of the updates that are installed, one a line
#   journal/number   number of the update that is being installed
#   journal/done.N   command N as it was when it had succeeded
# What is written there is on the disk before the next step begins, so that a command that succeeded is not run
# again, and one that was interrupted is.
set -u

say() {
  printf '%s\n' "$*"
}

refuse() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Puts standard input into a file, wholly or not at all, and onto the disk.
keep() {
  cat >"$1.new" && sync && mv "$1.new" "$1" && sync || refuse "Cannot write $1: is the disk full?"
}

# Writes the commands of a JSON list of strings into files: parse_list FOLDER, the list on standard input.
parse_list() {
  awk -v folder="$1" '
    function fail() { failed = 1; exit 1 }
    function code_point(hex,   i, value) {
      value = 0
      for (i = 1; i <= 4; i++) value = value * 16 + index("0123456789abcdef", tolower(substr(hex, i, 1))) - 1
      return value
    }
    function utf8(c) {
      if (c < 128) return sprintf("%c", c)
      if (c < 2048) return sprintf("%c%c", 192 + int(c / 64), 128 + c % 64)
      if (c < 65536) return sprintf("%c%c%c", 224 + int(c / 4096), 128 + int(c / 64) % 64, 128 + c % 64)
      return sprintf("%c%c%c%c", 240 + int(c / 262144), 128 + int(c / 4096) % 64, 128 + int(c / 64) % 64, 128 + c % 64)
    }
    { text = text (NR > 1 ? "\n" : "") $0 }
    END {
      if (failed) exit 1
      gsub(/^[ \t\r\n]+|[ \t\r\n]+$/, "", text)
      if (text !~ /^\[.*\]$/) fail()
      text = substr(text, 2, length(text) - 2)
      count = 0
      while (1) {
        sub(/^[ \t\r\n]+/, "", text)
        if (text == "" && count == 0) break
        if (substr(text, 1, 1) != "\"") fail()
        text = substr(text, 2)
        command = ""
        while (1) {
          if (text == "") fail()
          if (match(text, /^[^"\\]+/)) {
            command = command substr(text, 1, RLENGTH)
            text = substr(text, RLENGTH + 1)
            continue
          }
          c = substr(text, 1, 1)
          if (c == "\"") { text = substr(text, 2); break }
          e = substr(text, 2, 1)
          text = substr(text, 3)
          if (e == "n") command = command "\n"
          else if (e == "t") command = command "\t"
          else if (e == "r") command = command "\r"
          else if (e == "b") command = command "\b"
          else if (e == "f") command = command "\f"
          else if (e == "\"" || e == "\\" || e == "/") command = command e
          else if (e == "u" && text ~ /^[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]/) {
            point = code_point(text)
            text = substr(text, 5)
            if (point >= 55296 && point < 56320 && text ~ /^\\u[dD][c-fC-F]/) {
              point = 65536 + (point - 55296) * 1024 + code_point(substr(text, 3)) - 56320
              text = substr(text, 7)
            }
            if (point == 0) fail()
            command = command utf8(point)
          } else fail()
        }
        count++
        file = folder "/" count
        printf "%s\n", command > file
        close(file)
        sub(/^[ \t\r\n]+/, "", text)
        if (text == "") break
        if (substr(text, 1, 1) != ",") fail()
        text = substr(text, 2)
        if (text ~ /^[ \t\r\n]*$/) fail()
      }
    }
  '
}

# Writes the lines that are not empty into files: parse_lines FOLDER, the text on standard input.
parse_lines() {
  awk -v folder="$1" '
    !/^[ \t\r]*$/ { count++; file = folder "/" count; print > file; close(file) }
  '
}

work=${1:-.}
number=${UPDATE_NO:-0}
commands=${UPDATE_COMMANDS:-}
reboot=${UPDATE_REBOOT:-true}

cd "$work" || refuse "Cannot work in $work"
case $number in
  '' | *[!0-9]*) refuse "update_no is \"$number\"; it shall be a whole number, 0 for no update" ;;
esac
case $reboot in
  true | false) ;;
  *) refuse "reboot is \"$reboot\"; it shall be true or false" ;;
esac
if [ "$number" -eq 0 ]; then
  say "There is no update to install: update_no is 0."
  exit 0
fi
if [ -f installed ] && grep -qx "$number" installed; then
  say "Update $number is already installed."
  exit 0
fi

# A journal of another number is of no use any more.
if [ "$(cat journal/number 2>/dev/null)" != "$number" ]; then
  rm -rf journal && mkdir journal || refuse "Cannot write in $work"
  printf '%s\n' "$number" | keep journal/number
fi

rm -rf commands && mkdir commands || refuse "Cannot write in $work"
case $commands in
  *[!\ ]*) ;;
  *) commands='[]' ;;
esac
# A list comes without a space behind its bracket; with one it is the test command.
case $commands in
  \[[!\ ]*)
    printf '%s\n' "$commands" | LC_ALL=C parse_list commands ||
      refuse "commands is not a list of texts, nor one text with a command a line: $commands"
    ;;
  *) printf '%s\n' "$commands" | LC_ALL=C parse_lines commands || refuse "Cannot write in $work/commands" ;;
esac

total=0
while [ -f "commands/$((total + 1))" ]; do total=$((total + 1)); done
if [ "$total" -eq 0 ]; then say "Update $number has no commands."; fi

current=1
while [ "$current" -le "$total" ]; do
  if cmp -s "commands/$current" "journal/done.$current"; then
    say "Command $current of $total of update $number had succeeded before."
  else
    # A command that is another now makes those behind it count no more.
    rm -f "journal/done.$current"
    later=$((current + 1))
    while [ -f "journal/done.$later" ]; do
      rm -f "journal/done.$later"
      later=$((later + 1))
    done
    say "Runs command $current of $total of update $number: $(head -n 1 "commands/$current")"
    sh "commands/$current" </dev/null
    status=$?
    if [ "$status" -ne 0 ]; then
      refuse "Command $current of $total of update $number failed with $status; it is tried again, and those behind it wait."
    fi
    keep "journal/done.$current" <"commands/$current"
  fi
  current=$((current + 1))
done

# Noted before the reboot: whatever ends this script from here on, the next start finds the update installed.
cp installed installed.before 2>/dev/null || : >installed.before
(cat installed.before && printf '%s\n' "$number") | keep installed
if [ "$reboot" = false ]; then
  say "Update $number is installed."
  rm -rf journal commands installed.before
  exit 0
fi
say "Update $number is installed; the device reboots."
sync
reboot
status=$?
if [ "$status" -ne 0 ]; then
  keep installed <installed.before
  refuse "The device did not reboot: reboot failed with $status; it is tried again."
fi
rm -rf journal commands installed.before
