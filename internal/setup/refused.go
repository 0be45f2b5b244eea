package setup

import (
	"strings"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/graph"
)

// refused is what an error of Meta's means: a right or an object that is missing, or a failure.
func refused(object string, e *graph.Error) Row {
	x := (*capi.GraphError)(e).Explain()
	row := Row{Failed, object, "error " + x.Name() + ": " + x.Sentence, x.Fix}
	switch {
	case e.Code == 2200:
		row.Text = "error 2200: Meta asked the webhook URL for the challenge, and was not answered: " + e.Message
		row.Fix = "start the edge, with the verify token of this configuration, where Meta reaches it"
	case e.Code == 100 && e.Subcode == 33:
		row = Row{Missing, object, "error 100/33: there is none of this id, or the token may not see it",
			"assign it to the token's system user: Business settings → Users → System users → Assign assets"}
	case e.Code == 803:
		row = Row{Missing, object, "error 803: there is none of this id", "correct the id: Meta's are of digits alone"}
	case e.Code == 210:
		row = Row{Missing, object, "error 210: Meta wants the Page's own token", "give the token the permission pages_show_list, " +
			"and the Page as an asset"}
	case x.Class == capi.Permission && !strings.HasPrefix(object, "dataset "): // for which the table is written
		row = Row{Missing, object, row.Text + ": " + e.Message, "assign it to the token's system user, with full control (Business settings → " +
			"Users → System users → Assign assets), and give the token the permission that Meta names"}
	case x.Class == capi.Token, x.Class == capi.Permission:
		row.State, row.Text = Missing, row.Text+": "+e.Message
	case x.Class == capi.Transient, x.Class == capi.Throttled: // the edge would try again by itself, and this does not
		row.Text, row.Fix = row.Text+": "+e.Message, "run it again in some minutes; what was made stays"
	case e.Code == 100:
		row.Text = "error " + x.Name() + ": " + e.Message
		row.Fix = ""
	}
	return row
}
