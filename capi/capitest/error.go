package capitest

import (
	"fmt"
	"net/http"

	"github.com/leadgate/leadgate/internal/fake"
)

// Error is an error of the Graph API.
type Error struct {
	Status        int // of HTTP; 0 = 400
	Code, Subcode int
	Message       string
	Title, User   string // error_user_title, error_user_msg
	Event         int    // index of the bad event, -1 = none
}

// Error gives the codes and the message.
func (e *Error) Error() string { return fmt.Sprintf("(#%d/%d) %s", e.Code, e.Subcode, e.Message) }

func (e *Error) write(w http.ResponseWriter, number int) {
	body := map[string]any{
		"message": e.Message, "type": "OAuthException", "code": e.Code, "is_transient": false, "fbtrace_id": traceID(number),
	}
	if e.Subcode != 0 {
		body["error_subcode"] = e.Subcode
	}
	if e.Title != "" {
		body["error_user_title"], body["error_user_msg"] = e.Title, e.User
	}
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	fake.WriteJSON(w, status, map[string]any{"error": body})
}

func traceID(number int) string { return "A" + fmt.Sprintf("%022d", number) }
