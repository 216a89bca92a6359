package ratelimit

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxText bounds a text before anything looks at it, in bytes. The longest that
// makes sense has some 60.
const maxText = 128

// outside is the white space that may surround a text, as YAML leaves it. Inside
// only spaces count, so that nothing that is accepted holds a control character.
const outside = " \t\n\f\r"

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenNumber
	tokenWord
	tokenSlash
)

type token struct {
	kind tokenKind
	text string
	// column in characters, from 1.
	column int
}

// is tells whether a token is this word, in any case.
func (t token) is(word string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, word)
}

var tokenShapes = []struct {
	kind  tokenKind
	shape *regexp.Regexp
}{
	{tokenNumber, regexp.MustCompile(`^[0-9]+(?:[.][0-9]+)?`)},
	{tokenWord, regexp.MustCompile(`^[A-Za-z]+`)},
	{tokenSlash, regexp.MustCompile(`^/`)},
}

// scan cuts a text into tokens, the last of which is tokenEnd.
func scan(text, example string) ([]token, error) {
	if len(text) > maxText {
		return nil, &SyntaxError{column(text, maxText), "more than 128 bytes are not read", example}
	}
	var tokens []token
	end := len(strings.TrimRight(text, outside))
	offset := len(text) - len(strings.TrimLeft(text, outside))
	for offset < end {
		if text[offset] == ' ' {
			offset++
			continue
		}
		next := tokenAt(text[offset:end])
		next.column = column(text, offset)
		if next.kind == tokenEnd {
			return nil, &SyntaxError{next.column, quote(next.text) + " has no place here", example}
		}
		tokens = append(tokens, next)
		offset += len(next.text)
	}
	return append(tokens, token{kind: tokenEnd, column: column(text, end)}), nil
}

// tokenAt is the token that a text begins with; where there is none, tokenEnd
// with the character in its way.
func tokenAt(text string) token {
	for _, candidate := range tokenShapes {
		if found := candidate.shape.FindString(text); found != "" {
			return token{kind: candidate.kind, text: found}
		}
	}
	_, size := utf8.DecodeRuneInString(text)
	return token{kind: tokenEnd, text: text[:size]}
}

// column turns an offset in bytes into a column in characters.
func column(text string, offset int) int {
	characters := 0
	for at := range text {
		if at >= offset {
			break
		}
		characters++
	}
	return characters + 1
}
