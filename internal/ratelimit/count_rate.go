package ratelimit

// countRate is a rate of packets or connections that has the right shape; its
// amounts were not looked at yet.
type countRate struct {
	amount token
	period Period
	// burst is nil where none was written.
	burst *token
}

// within is the Rate, with the default burst where none was written.
func (c countRate) within(amounts, bursts bounds, unit Unit) (Rate, error) {
	rate := Rate{Unit: unit, Amount: whole(c.amount), Period: c.period}
	if err := amounts.check(rate.Amount, c.amount); err != nil {
		return Rate{}, err
	}
	if c.burst == nil {
		rate.Burst = DefaultCountBurst(rate.Amount, rate.Period)
		return rate, nil
	}
	rate.Burst = whole(*c.burst)
	if err := bursts.check(rate.Burst, *c.burst); err != nil {
		return Rate{}, err
	}
	return rate, nil
}
