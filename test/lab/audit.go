package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// operatorUser is the operator's ServiceAccount as the API server names it.
const operatorUser = "system:serviceaccount:" + OperatorNamespace + ":" + operatorAccount

// The API server notes each request of the operator, and of nobody else. A watch
// is noted when it begins, everything else when it was answered.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    users: ["` + operatorUser + `"]
  - level: None
`

// auditMegabytes is more than an hour of tests makes: what is rotated away would
// not be seen.
const auditMegabytes = "1024"

func (c *ControlPlane) audit(server *envtest.APIServer) error {
	policy := filepath.Join(c.directory, "audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	server.Configure().
		Set("audit-policy-file", policy).
		Set("audit-log-path", c.auditLog()).
		Set("audit-log-maxsize", auditMegabytes)
	return nil
}

func (c *ControlPlane) auditLog() string { return filepath.Join(c.directory, "audit.log") }

// APICall is what the operator asked of the API server.
type APICall struct {
	Right
	Namespace, Name string
	// Path is all there is where no resource was asked for.
	Path string
	// Refused says why, where the API server did.
	Refused string

	received time.Time
}

func (c APICall) String() string {
	if c.Resource == "" {
		return c.Verb + " " + c.Path
	}
	return fmt.Sprintf("%s (%s/%s)", c.Right, c.Namespace, c.Name)
}

// auditEvent is what is of interest in one of audit.k8s.io/v1.
type auditEvent struct {
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	ObjectRef  struct {
		APIGroup    string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	RequestReceivedTimestamp metav1.MicroTime `json:"requestReceivedTimestamp"`
	ResponseStatus           struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"responseStatus"`
}

// interval is a time that began and ended.
type interval struct{ from, to time.Time }

func (i interval) contains(moment time.Time) bool {
	return !moment.Before(i.from) && !moment.After(i.to)
}

// OperatorCalls are all that the operators asked for until now. What an API
// server refuses before it is ready, and thus knows who has which right, is not
// among them.
func (c *ControlPlane) OperatorCalls() ([]APICall, error) {
	log, err := os.ReadFile(c.auditLog())
	if err != nil {
		return nil, err
	}
	var calls []APICall
	lines := bytes.Split(log, []byte("\n"))
	for _, line := range lines[:len(lines)-1] { // the last one is empty, or being written
		var event auditEvent
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("%s: %w", c.auditLog(), err)
		}
		call := event.call()
		tooEarly := func(restart interval) bool { return restart.contains(call.received) }
		if call.Refused == "" || !slices.ContainsFunc(c.restarts, tooEarly) {
			calls = append(calls, call)
		}
	}
	return calls, nil
}

func (e auditEvent) call() APICall {
	object := e.ObjectRef
	call := APICall{
		Right:     Right{Verb: e.Verb, Group: object.APIGroup, Resource: object.Resource, InCluster: object.Namespace != OperatorNamespace},
		Namespace: object.Namespace,
		Name:      object.Name,
		Path:      e.RequestURI,
		received:  e.RequestReceivedTimestamp.Time,
	}
	if object.Subresource != "" {
		call.Resource += "/" + object.Subresource
	}
	if e.ResponseStatus.Code == http.StatusForbidden || e.ResponseStatus.Code == http.StatusUnauthorized {
		call.Refused = fmt.Sprintf("%d: %s", e.ResponseStatus.Code, e.ResponseStatus.Message)
	}
	return call
}
