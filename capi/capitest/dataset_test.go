package capitest

import (
	"encoding/json"
	"net/http"
	"testing"
)

// TestDataset reads datasets, with what is wrong about each request.
func TestDataset(t *testing.T) {
	s := New(t, func(s *Server) {
		s.Token, s.Datasets = "secret", map[string]Dataset{"123": {}}
	})
	s.Script(1, Answer{Status: 503})
	for _, c := range []struct {
		path, token   string
		code, subcode int
		name          string
	}{
		{"/v27.0/123?fields=id,name", "secret", 0, 0, "Dataset 123"},
		{"/v27.0/123?fields=id", "secret", 0, 0, ""},
		{"/v27.0/123", "secret", 0, 0, "Dataset 123"},
		{"/v27.0/123?fields=id,name", "wrong", 190, 467, ""},
		{"/v27.0/123?fields=id,name", "", 190, 467, ""},
		{"/v27.0/124?fields=id,name", "secret", 100, 33, ""},
		{"/v27.0/me?fields=id,name", "secret", 100, 33, ""},
		{"/v19.0/123?fields=id,name", "secret", 2635, 0, ""},
		{"/v27.0/123?fields=id,colour", "secret", 100, 0, ""},
	} {
		req, err := http.NewRequest(http.MethodGet, s.URL()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.token != "" {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			ID, Name string
			Error    struct {
				Code    int
				Subcode int `json:"error_subcode"`
			}
		}
		err = json.NewDecoder(resp.Body).Decode(&got)
		resp.Body.Close()
		if err != nil || (resp.StatusCode == 200) != (c.code == 0) || got.Error.Code != c.code || got.Error.Subcode != c.subcode ||
			got.Name != c.name || (c.code == 0) != (got.ID == "123") {
			t.Errorf("%s: %d %+v, %v", c.path, resp.StatusCode, got, err)
		}
	}
	if s.Requests() != 0 {
		t.Errorf("%d requests for events were counted", s.Requests())
	}
}
