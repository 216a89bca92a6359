package e2e

import (
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestWhatAHandChangedIsToldAndMended at the next check.
func TestWhatAHandChangedIsToldAndMended(t *testing.T) {
	s := openShop(t)
	must(t, the.net.Via(the.net.Gateways[0]))
	serve(t, "tcp 203.0.113.136:80")
	s.service("web", []string{"203.0.113.136"})
	s.awaitOpen("web")
	awaitGateway(t, edge)
	for _, hand := range []struct {
		command string
		told    string
	}{
		{"delete element inet nft_operator services4 { 203.0.113.136 . tcp . 80 }", "203.0.113.136"},
		{"flush ruleset", "table inet nft_operator"},
	} {
		t.Run(hand.command, func(t *testing.T) {
			must(t, the.net.Gateways[0].Nft(hand.command))
			if doorIsIn(t, the.net.Gateways[0], "203.0.113.136:80") {
				t.Fatal("the hand changed nothing")
			}
			checkNow(t, edge)
			awaitOpenOnAll(t, "203.0.113.136:80")
			awaitEvent(t, "edge.gw1", "Drift", hand.told)
			awaitGateway(t, edge)
			assertOpen(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.136:80")
		})
	}
}

// doorIsIn reports whether a gateway's kernel opens a door.
func doorIsIn(t *testing.T, gateway *lab.Gateway, door string) bool {
	t.Helper()
	elements, err := gateway.SetElements("nft_operator", "services4")
	if err != nil {
		return false // the set is gone
	}
	for _, element := range elements {
		if string(element) == elementOf(door) {
			return true
		}
	}
	return false
}
