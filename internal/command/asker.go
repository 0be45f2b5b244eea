package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/scaffold"
)

// asker asks a person.
type asker struct {
	in  io.Reader
	out io.Writer
}

// about asks a question until the answer is one, if it is to be asked.
func (a *asker) about(i *initial, q *question, given bool) error {
	if given || q.ask == "" || q.when != nil && !q.when(&i.Answers) || q.secret != "" && i.Secrets[q.secret] != "" {
		return nil
	}
	for {
		text, err := a.line(q)
		if errors.Is(err, io.EOF) {
			_, _ = fmt.Fprintln(a.out) // behind the question
			return fmt.Errorf("nobody answers: write --%s", q.flag)
		}
		if err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		if text == "" {
			text = q.suggest
		}
		if err = a.take(i, q, text); err == nil {
			return nil
		}
		if _, err := fmt.Fprintln(a.out, "  "+printable.Line(err.Error())); err != nil {
			return err
		}
	}
}

// take takes an answer, or says what is wrong with it.
func (*asker) take(i *initial, q *question, text string) error {
	if q.yes != nil {
		switch strings.ToLower(text) {
		case "y", "yes":
			*q.yes = true
		case "", "n", "no":
		default:
			return errors.New("write y or n")
		}
		return nil
	}
	if q.secret != "" {
		if text == "" {
			return errors.New("it is needed: without it the edge does not start")
		}
		if err := scaffold.CheckSecret(text); err != nil {
			return fmt.Errorf("it %w", err)
		}
	}
	if err := q.put(i, text); err != nil {
		return err
	}
	if len(i.Providers) == 0 {
		return nil // the first question
	}
	return i.Fits()
}

// line asks once.
func (a *asker) line(q *question) (string, error) {
	prompt := q.ask
	switch {
	case q.yes != nil:
		prompt += " [y/N]"
	case q.suggest != "":
		prompt += " [" + q.suggest + "]"
	}
	prompt += ": "
	if f, ok := a.in.(*os.File); ok && q.secret != "" && term.IsTerminal(int(f.Fd())) {
		text, err := unseen(f, a.out, prompt)
		return strings.TrimSpace(text), err
	}
	if _, err := fmt.Fprint(a.out, prompt); err != nil {
		return "", err
	}
	if f, ok := a.out.(interface{ Flush() error }); ok {
		if err := f.Flush(); err != nil {
			return "", err
		}
	}
	return readLine(a.in)
}

// readLine reads no byte more than a line: what was typed ahead is the next question's.
func readLine(in io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		n, err := in.Read(b)
		if n == 1 && b[0] == '\n' {
			return strings.TrimSpace(string(line)), nil
		}
		line = append(line, b[:n]...)
		if err != nil {
			if text := strings.TrimSpace(string(line)); text != "" && errors.Is(err, io.EOF) {
				return text, nil
			}
			return "", err
		}
		if len(line) > 4096 {
			return "", errors.New("the line is too long")
		}
	}
}

// unseen asks for a line that is not shown, not even where it is typed before it is asked for.
func unseen(f *os.File, out io.Writer, prompt string) (string, error) {
	before, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return "", fmt.Errorf("hiding what is typed: %w", err)
	}
	defer func() { _ = term.Restore(int(f.Fd()), before) }()
	if p, ok := out.(*printable.Writer); ok {
		out = p.W // the terminal's controls are our own
	}
	return term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{f, out}, "").ReadPassword(prompt) // Ctrl-C is the end of the file
}
