package e2e

import (
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

const theirConf = "#!/usr/sbin/nft -f\n# of the administrator\n"

// TestDeletionRetainsOrRemoves deletes an NftGateway and looks at its host.
func TestDeletionRetainsOrRemoves(t *testing.T) {
	for policy, stays := range map[v1alpha1.DeletionPolicy]bool{v1alpha1.DeletionRetain: true, v1alpha1.DeletionRemove: false} {
		t.Run(string(policy), func(t *testing.T) {
			name := strings.ToLower(string(policy))
			box, err := the.net.NewBox(name)
			must(t, err)
			t.Cleanup(func() { _ = box.Close() })
			must(t, box.ReplaceFile("/etc/nftables.conf", []byte(theirConf), 0o755))
			gateway := gatewayOfBox(t, name, box)
			gateway.Spec.DeletionPolicy = policy
			createGateway(t, gateway)
			awaitGateway(t, name)
			awaitHostEvent(t, name+".box", "BackedUp")

			must(t, the.api.Delete(t.Context(), gateway))
			await(t, "the NftGateway to go", func() error {
				err := the.api.Get(t.Context(), client.ObjectKeyFromObject(gateway), &v1alpha1.NftGateway{})
				if apierrors.IsNotFound(err) {
					return nil
				}
				return fmt.Errorf("it is still there: %w", err)
			})
			ruleset, err := box.Ruleset()
			must(t, err)
			if strings.Contains(ruleset, "table inet nft_operator") != stays {
				t.Errorf("our table stays: %v, want %v", !stays, stays)
			}
			conf, err := box.ReadFile("/etc/nftables.conf")
			must(t, err)
			if (string(conf) != theirConf) != stays {
				t.Errorf("nftables.conf is:\n%s", conf)
			}
			left, err := box.Exec("find", "/etc", "/var/lib", "-name", "*nft-operator*")
			must(t, err)
			if (left != "") != stays {
				t.Errorf("files of ours:\n%s", left)
			}
			if _, err := box.ReadFile(localChainFile); err != nil {
				t.Errorf("the administrator's local chain went: %v", err)
			}
		})
	}
}
