package control

import (
	"fmt"
	"strings"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/controllers"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

// deleteGateway asks for the deletion of a gateway that cleans its hosts.
func deleteGateway(t *testing.T, name string) *v1alpha1.NftGateway {
	t.Helper()
	gateway := &v1alpha1.NftGateway{}
	gateway.Namespace, gateway.Name = secret().Namespace, name
	update(t, gateway, func(gateway *v1alpha1.NftGateway) { gateway.Spec.DeletionPolicy = v1alpha1.DeletionRemove })
	if err := the.api.Delete(t.Context(), gateway); err != nil {
		t.Fatal(err)
	}
	return gateway
}

// awaitGone waits until a gateway is gone.
func awaitGone(t *testing.T, gateway *v1alpha1.NftGateway) {
	t.Helper()
	await(t, "the end of "+gateway.Name, func() error {
		err := the.api.Get(t.Context(), keyOf(gateway), &v1alpha1.NftGateway{})
		if err == nil {
			err = fmt.Errorf("it is there")
		}
		return client.IgnoreNotFound(err)
	})
}

// removals are the hosts on which the removal ran, with each one's last run.
func removals(o *operator, hosts ...string) map[string]ansible.Run {
	ran := map[string]ansible.Run{}
	for _, host := range hosts {
		for _, run := range o.runner.all(host) {
			if strings.HasSuffix(run.Playbook, "remove.yml") {
				ran[host] = run
			}
		}
	}
	return ran
}

func TestADeletedGatewayIsCleaned(t *testing.T) {
	openEdge(t, "gw1", "gw2")
	operator := startOperator(t)
	awaitProgrammed(t, edge)
	before := operator.runner.last("gw1").Fence
	gateway := deleteGateway(t, edge)
	awaitGone(t, gateway)
	ran := removals(operator, "gw1", "gw2")
	if len(ran) != 2 {
		t.Fatalf("the removal ran on %v", ran)
	}
	if fence := ran["gw1"].Fence; fence == nil || fence.Epoch != before.Epoch || fence.Sequence <= before.Sequence {
		t.Errorf("the removal has the fence %+v, the run before it %+v", fence, before)
	}
	if events, err := eventsAbout(t, gateway); err != nil || len(events) > 0 {
		t.Errorf("it is told of: %+v, %v", events, err)
	}
}

// TestADeletedGatewayLeavesTheBoxesOfOthersAlone, and does not wait for them.
func TestADeletedGatewayLeavesTheBoxesOfOthersAlone(t *testing.T) {
	s := openEdge(t, "gw1")
	operator := startOperator(t)
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "1 of 1 gateway hosts")
	createGateway(t, s.gateway("later", "gw2", "gw1"))
	awaitHost(t, "later", "gw1", v1alpha1.ConditionAccepted, metav1.ConditionFalse, "HostConflict")
	runs := operator.runner.count("gw1")

	began := time.Now()
	gateway := deleteGateway(t, "later")
	awaitGone(t, gateway)
	if took := time.Since(began); took > otherwise {
		t.Errorf("it took %s", took)
	}
	if ran := removals(operator, "gw1", "gw2"); len(ran) != 1 || ran["gw2"].Playbook == "" || operator.runner.count("gw1") != runs {
		t.Errorf("the removal ran on %v", ran)
	}
	var told []eventsv1.Event
	await(t, "the Event", func() (err error) {
		if told, err = eventsAbout(t, gateway); err == nil && countOf(told, "LeftAlone") != 1 {
			err = fmt.Errorf("events are %+v", told)
		}
		return err
	})
	for _, event := range told {
		if event.Reason == "NotRemoved" || !strings.Contains(event.Note, "gw1") || strings.Contains(event.Note, "gw2") {
			t.Errorf("it is told %s: %s", event.Reason, event.Note)
		}
	}
	s.awaitOpen("web", "1 of 1 gateway hosts")
	awaitProgrammed(t, edge)
}

// TestADeadHostDoesNotHoldADeletion: it is named, with what to do there.
func TestADeadHostDoesNotHoldADeletion(t *testing.T) {
	const patience = 3 * time.Second
	openEdge(t, "gw1", "gw2")
	operator := startOperator(t, func(_ *operator, _ *ctrl.Options, options *controllers.Options) { options.RemovalPatience = patience })
	awaitProgrammed(t, edge)
	operator.runner.on("gw2", fail(ansible.ReasonConnectionTimeout))
	began := time.Now()
	gateway := deleteGateway(t, edge)
	awaitGone(t, gateway)
	if took := time.Since(began); took < patience-time.Second {
		t.Errorf("it waited for %s only", took) // the API server stores whole seconds
	}
	if ran := removals(operator, "gw1", "gw2"); len(ran) != 2 {
		t.Errorf("the removal ran on %v", ran)
	}
	await(t, "the Event", func() error {
		events, err := eventsAbout(t, gateway)
		if err != nil || countOf(events, "NotRemoved") != 1 {
			return fmt.Errorf("events are %+v, %w", events, err)
		}
		if note := events[0].Note; !strings.Contains(note, "stays on gw2 (ConnectionTimeout)") || !strings.Contains(note, "playbooks/remove.yml") || strings.Contains(note, "gw1") {
			t.Errorf("it is told %q", note)
		}
		return nil
	})
}
