# Tables of the sources as lists in mdoc(7), from what tests/unit/print_settings prints, parted by tabs: a setting's path, type,
# default, bounds, required or optional, sentence; or a reason's name and sentence.
BEGIN {
    FS = "\t"
    print ".Bl -tag -width Ds"
}
NF == 2 {
    print ".It Cm " $1
    print "\\&" $2 "."
    next
}
{
    about = $2 == "list" ? "a list of groups" : $2 == "group" ? "a group of settings" : $2
    if ($4 != "") {
        gsub(/\|/, ", ", $4)
        sub(/\.\./, " to ", $4)
        about = about ": " $4
    }
    if ($5 == "required")
        about = about "; required"
    else if ($3 != "")
        about = about "; default " $3
    print ".It Cm " $1
    print "\\&(" about ")"
    print "\\&" $6
}
END { print ".El" }
