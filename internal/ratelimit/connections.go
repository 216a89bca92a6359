package ratelimit

const (
	connectionRateExample  = "10/second burst 20"
	connectionLimitExample = "100"
)

// ParseConnectionRate reads how many new connections there may be, for example
// "10/second" or "600 connections per minute burst 20". The Unit is Connections.
// Every error is a [*SyntaxError].
func ParseConnectionRate(text string) (Rate, error) {
	spelled, err := readConnectionRate(text)
	if err != nil {
		return Rate{}, err
	}
	return spelled.within(connectionRateBounds.mostPer(spelled.period), connectionBurstBounds, Connections)
}

// ParseConnectionLimit reads how many connections there may be at one time, for
// example "100" or "100 connections". Every error is a [*SyntaxError].
func ParseConnectionLimit(text string) (uint32, error) {
	number, err := readConnectionLimit(text)
	if err != nil {
		return 0, err
	}
	limit := whole(number)
	if err := connectionLimitBounds.check(limit, number); err != nil {
		return 0, err
	}
	return uint32(limit), nil
}

// readConnectionRate = count period ["burst" count]
func readConnectionRate(text string) (countRate, error) {
	p, err := newParser(text, connectionRateExample)
	if err != nil {
		return countRate{}, err
	}
	var rate countRate
	if rate.amount, err = p.connectionCount("a rate"); err != nil {
		return countRate{}, err
	}
	if rate.period, err = p.period(); err != nil {
		return countRate{}, err
	}
	if p.burst() {
		burst, err := p.connectionCount("a burst")
		if err != nil {
			return countRate{}, err
		}
		rate.burst = &burst
	}
	return rate, p.end()
}

// readConnectionLimit = count
func readConnectionLimit(text string) (token, error) {
	p, err := newParser(text, connectionLimitExample)
	if err != nil {
		return token{}, err
	}
	number, err := p.connectionCount("a limit")
	if err != nil {
		return token{}, err
	}
	return number, p.end()
}

// connectionCount takes a whole number, and the word for connections where it
// follows: nothing else could be meant.
func (p *parser) connectionCount(what string) (token, error) {
	number, err := p.number(what)
	if err != nil {
		return token{}, err
	}
	if !isWhole(number) {
		return token{}, p.fail(number, "a part of a connection cannot be counted")
	}
	return number, p.connections()
}
