package wording

import "strings"

// Meant is what to write instead of an unknown word: "write orderId", or, where
// nothing is near, all that there is.
func Meant(word string, known []string) string {
	if near := Closest(word, known); near != "" {
		return "write " + near
	}
	return "write one of " + strings.Join(known, ", ")
}

// Closest is the known word that was probably meant, "" if none is near: the same
// letters in another spelling (order_id, orderid), or up to two letters off.
func Closest(word string, known []string) string {
	plain := func(s string) string {
		return strings.NewReplacer("_", "", "-", "", ".", "", " ", "").Replace(strings.ToLower(s))
	}
	best, least := "", 3
	for _, k := range known {
		d := distance(plain(word), plain(k))
		if d < least && d < (len(k)+1)/2 {
			best, least = k, d
		}
	}
	return best
}

// distance is how many letters must be changed, added, removed or swapped with
// their neighbour to make b of a. Words over 64 bytes are far from everything.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	var rows [3][66]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
