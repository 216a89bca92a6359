package ratelimit

const dataExample = "16mbit burst 256 kbytes"

// ParseData reads a data rate, for example "16mbit", "10 MB/s" or
// "400 packets/second burst 20 packets". The Unit is Bytes, for each Second,
// rounded to the nearest byte, or Packets. Every error is a [*SyntaxError].
func ParseData(text string) (Rate, error) {
	spelled, err := readData(text)
	if err != nil {
		return Rate{}, err
	}
	if spelled.amount.unit.kind == kindPackets {
		return spelled.packets()
	}
	return spelled.bytes()
}

// quantity is a number as it was written, and what it counts.
type quantity struct {
	number token
	unit   unit
}

// dataRate has the right shape; its amounts were not looked at yet.
type dataRate struct {
	amount quantity
	period Period
	// burst is nil where none was written.
	burst *quantity
}

// readData = amount [period] ["burst" amount]
func readData(text string) (dataRate, error) {
	p, err := newParser(text, dataExample)
	if err != nil {
		return dataRate{}, err
	}
	rate := dataRate{period: Second}
	if rate.amount, err = p.quantity("a rate"); err != nil {
		return dataRate{}, err
	}
	// As in tc, bits alone are a rate. Bytes alone are as likely a volume.
	if rate.amount.unit.kind != kindBits || p.startsPeriod() {
		if rate.period, err = p.period(); err != nil {
			return dataRate{}, err
		}
	}
	if p.burst() {
		if rate.burst, err = p.dataBurst(rate.amount.unit.kind); err != nil {
			return dataRate{}, err
		}
	}
	return rate, p.end()
}

// quantity takes a number and its unit. Packets are whole.
func (p *parser) quantity(what string) (quantity, error) {
	number, err := p.number(what)
	if err != nil {
		return quantity{}, err
	}
	name := p.next()
	if name.kind != tokenWord || name.is("per") || name.is("burst") {
		return quantity{}, p.fail(name, "a unit is missing: bits, bytes or packets")
	}
	found, ok := dataUnits.find(name.text)
	if !ok {
		return quantity{}, p.fail(name, "%s", unknownUnit(name.text))
	}
	if found.kind == kindPackets && !isWhole(number) {
		return quantity{}, p.fail(number, "a part of a packet cannot be counted")
	}
	return quantity{number, found}, nil
}

// dataBurst takes the burst for a rate of that kind.
func (p *parser) dataBurst(rate kind) (*quantity, error) {
	burst, err := p.quantity("a burst")
	if err != nil {
		return nil, err
	}
	if wanted := burstKind(rate); burst.unit.kind != wanted {
		return nil, p.fail(burst.number, "the burst of a rate of %s is in %s, not in %s", rate, wanted, burst.unit.kind)
	}
	return &burst, nil
}

// burstKind is what the burst of a rate is measured in: a bucket holds bytes or
// packets, also where what flows into it was written in bits.
func burstKind(rate kind) kind {
	if rate == kindPackets {
		return kindPackets
	}
	return kindBytes
}

func (d dataRate) bytes() (Rate, error) {
	rate := Rate{Unit: Bytes, Period: Second, Amount: d.amount.bytesPer(d.period)}
	if err := byteRateBounds.check(rate.Amount, d.amount.number); err != nil {
		return Rate{}, err
	}
	if d.burst == nil {
		rate.Burst = DefaultByteBurst(rate.Amount)
		return rate, nil
	}
	rate.Burst = d.burst.bytes()
	if err := byteBurstBounds.check(rate.Burst, d.burst.number); err != nil {
		return Rate{}, err
	}
	return rate, nil
}

func (d dataRate) packets() (Rate, error) {
	count := countRate{amount: d.amount.number, period: d.period}
	if d.burst != nil {
		count.burst = &d.burst.number
	}
	return count.within(packetRateBounds.per(d.period), packetBurstBounds, Packets)
}
