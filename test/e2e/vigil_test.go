package e2e

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nft-operator/nft-operator/test/lab"
)

// How closely a vigil looks.
const (
	callEvery = 20 * time.Millisecond
	lookEvery = 10 * time.Millisecond
)

// vigil watches, while something else goes wrong, that what is open stays open:
// by a new connection all the time, and by the kernels' own words.
type vigil struct {
	t       *testing.T
	caller  *lab.Caller
	stop    chan struct{}
	done    sync.WaitGroup
	started time.Time

	mutex  sync.Mutex
	looks  int
	misses []string
}

// keepVigil watches TCP doors that are open on both gateways and served, each
// written as "203.0.113.10:80". Packets go by the gateway that the test chose.
func keepVigil(t *testing.T, doors ...string) *vigil {
	t.Helper()
	v := &vigil{t: t, stop: make(chan struct{}), started: time.Now()}
	var calls []lab.Call
	keys := map[string]string{}
	for _, door := range doors {
		protocol, to := doorOf("tcp " + door)
		calls = append(calls, lab.Call{Protocol: protocol, From: the.net.Client.Primary.IPv4, To: to})
		keys[door] = elementOf(door)
	}
	v.caller = the.net.Client.KeepCalling(callEvery, openPatience, func(loss lab.Loss) { v.miss(loss.String()) }, calls...)
	for _, gateway := range the.net.Gateways {
		v.done.Go(func() { v.watch(gateway, keys) })
	}
	return v
}

// elementOf is a TCP door as the kernel keeps it in a set: each part fills
// whole words.
func elementOf(door string) string {
	_, at := doorOf("tcp " + door)
	address := at.Addr().As4()
	key := append(address[:], unix.IPPROTO_TCP, 0, 0, 0)
	key = binary.BigEndian.AppendUint16(key, at.Port())
	return string(append(key, 0, 0))
}

func (v *vigil) watch(gateway *lab.Gateway, keys map[string]string) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-v.stop:
			return
		case <-tick.C:
			v.look(gateway, keys)
		}
	}
}

func (v *vigil) look(gateway *lab.Gateway, keys map[string]string) {
	elements, err := gateway.SetElements("nft_operator", "services4")
	if err != nil {
		v.miss(err.Error())
		return
	}
	there := map[string]bool{}
	for _, element := range elements {
		there[string(element)] = true
	}
	for door, key := range keys {
		if !there[key] {
			v.miss(fmt.Sprintf("%s has no element for %s at %s", gateway.Name, door, time.Now().Format("15:04:05.000")))
		}
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.looks++
}

func (v *vigil) miss(what string) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.misses = append(v.misses, what)
}

// end fails the test if anything was closed for a moment.
func (v *vigil) end() {
	v.t.Helper()
	close(v.stop)
	v.done.Wait()
	report := v.caller.Close()
	v.t.Logf("in %s: %d connections, p99 %s; %d looks into kernels", time.Since(v.started).Round(time.Millisecond),
		report.Made, report.P99.Round(10*time.Microsecond), v.looks)
	if len(v.misses) > 0 {
		v.t.Errorf("what was open was closed %d times:\n%s", len(v.misses), strings.Join(v.misses[:min(10, len(v.misses))], "\n"))
	}
	if report.Made == 0 || v.looks == 0 {
		v.t.Error("the vigil saw nothing")
	}
}
