package ratelimit

import "fmt"

// parser reads tokens one by one. Its methods take what they are named after and
// fail at the token that is something else.
type parser struct {
	tokens []token
	// example is what a failure shows.
	example string
}

func newParser(text, example string) (*parser, error) {
	tokens, err := scan(text, example)
	return &parser{tokens, example}, err
}

func (p *parser) peek() token { return p.tokens[0] }

// next takes a token; the end stays.
func (p *parser) next() token {
	taken := p.tokens[0]
	if taken.kind != tokenEnd {
		p.tokens = p.tokens[1:]
	}
	return taken
}

func (p *parser) fail(at token, format string, arguments ...any) error {
	return &SyntaxError{at.column, fmt.Sprintf(format, arguments...), p.example}
}

// number takes a number; what says where it is missing.
func (p *parser) number(what string) (token, error) {
	found := p.next()
	if found.kind != tokenNumber {
		return found, p.fail(found, "%s starts with a number", what)
	}
	return found, nil
}

// startsPeriod tells whether "/" or "per" comes next.
func (p *parser) startsPeriod() bool {
	return p.peek().kind == tokenSlash || p.peek().is("per")
}

// period takes "/second", "per minute" and the like.
func (p *parser) period() (Period, error) {
	if !p.startsPeriod() {
		return "", p.fail(p.peek(), `a period is missing, such as "/second"`)
	}
	p.next()
	name := p.next()
	if name.kind != tokenWord {
		return "", p.fail(name, "a period is missing: second, minute, hour or day")
	}
	found, ok := periods.find(name.text)
	if !ok {
		return "", p.fail(name, "%s", unknownPeriod(name.text))
	}
	return found, nil
}

// burst takes the word, if it comes next.
func (p *parser) burst() bool {
	if !p.peek().is("burst") {
		return false
	}
	p.next()
	return true
}

// connections takes the word for connections where it follows. Another unit
// there is a mistake, "per" and "burst" are none.
func (p *parser) connections() error {
	unit := p.peek()
	if unit.kind != tokenWord || unit.is("per") || unit.is("burst") {
		return nil
	}
	if _, ok := connectionUnits.find(unit.text); !ok {
		return p.fail(unit, "connections are counted here, not %s", quote(unit.text))
	}
	p.next()
	return nil
}

func (p *parser) end() error {
	if rest := p.peek(); rest.kind != tokenEnd {
		return p.fail(rest, "%s has no place here", quote(rest.text))
	}
	return nil
}
