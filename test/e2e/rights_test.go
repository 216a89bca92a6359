package e2e

import (
	"errors"
	"flag"
	"fmt"
	"slices"

	"github.com/nft-operator/nft-operator/test/lab"
)

// unseen are rights that the operator needs and no call shows, with the reason.
var unseen = map[lab.Right]string{
	{Verb: "update", Group: "nft-operator.io", Resource: "nftgateways/finalizers"}: "the API server asks for it itself when an NftGatewayHost " +
		"names its owner, where OwnerReferencesPermissionEnforcement is on, as it is in the lab",
}

// judgeRights compares what the operators of all tests asked of the API server
// with what config/rbac gives them. That nobody needs a right can be said only
// when every test has run.
func judgeRights(every bool) error {
	shipped, err := lab.ShippedRights()
	if err != nil {
		return err
	}
	calls, err := the.kube.OperatorCalls()
	if err != nil {
		return err
	}
	if len(calls) == 0 {
		return errors.New("the audit log has no call of the operator")
	}
	wrong, unused := lab.CompareRights(shipped, calls)
	var complaints []error
	told := map[lab.Right]bool{}
	for _, call := range wrong {
		if !told[call.Right] || call.Resource == "" {
			complaints = append(complaints, fmt.Errorf("the operator asked for what it has no right to: %s %s", call, call.Refused))
		}
		told[call.Right] = true
	}
	if every {
		complaints = append(complaints, judgeUnused(unused)...)
	}
	return errors.Join(complaints...)
}

func judgeUnused(unused []lab.Right) (complaints []error) {
	for _, right := range unused {
		if unseen[right] == "" {
			complaints = append(complaints, fmt.Errorf("nobody needs the right: %s", right))
		}
	}
	for right := range unseen {
		if !slices.Contains(unused, right) {
			complaints = append(complaints, fmt.Errorf("used, or not shipped, and no exception any more: %s", right))
		}
	}
	return complaints
}

// everyTest reports whether the command line asks for all tests.
func everyTest() bool {
	for _, name := range []string{"test.run", "test.skip"} {
		if flag.Lookup(name).Value.String() != "" {
			return false
		}
	}
	return true
}
