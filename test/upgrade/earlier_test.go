package upgrade

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

// refusedNow is an object that the API server took then, and takes no more.
const refusedNow = "nftgateway-refused-now.yaml"

// TestObjectsOfEarlierCRDsKeepLoading stores objects through the CRDs of before,
// as they lie in clusters, and then installs those of now over them.
func TestObjectsOfEarlierCRDsKeepLoading(t *testing.T) {
	install(t, earlier)
	stored := map[string]*unstructured.Unstructured{}
	for _, path := range earlierObjects(t) {
		stored[path] = store(t, path)
	}
	// As docs/upgrade.md tells: the kinds, then the operator.
	if _, err := kube.Kubectl(t.Context(), "apply", "--server-side", "-k", shipped); err != nil {
		t.Fatal(err)
	}
	awaitServed(t, "nftgateways.spec.rateLimiting")
	operator := operatorClient(t)
	for path, before := range stored {
		t.Run(filepath.Base(path), func(t *testing.T) {
			now := &unstructured.Unstructured{}
			now.SetGroupVersionKind(before.GroupVersionKind())
			if err := api.Get(t.Context(), client.ObjectKeyFromObject(before), now); err != nil {
				t.Fatal(err)
			}
			assertKept(t, path, before.Object, now.Object)
			assertUpdatable(t, now)
			assertOperatorWrites(t, operator, now)
			if filepath.Base(path) == refusedNow {
				return
			}
			if _, err := kube.Kubectl(t.Context(), "apply", "--validate=strict", "--filename", path); err != nil {
				t.Errorf("the file that it was created by is refused: %v", err)
			}
		})
	}
}

// TestRefusedNowIsRefused shows that the object which is to be refused today is,
// so that it proves something above.
func TestRefusedNowIsRefused(t *testing.T) {
	install(t, shipped)
	err := api.Create(t.Context(), readObject(t, filepath.Join(earlier, refusedNow)), client.DryRunAll)
	for _, part := range []string{"In or NotIn and values", "same address and port"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not told: %v", part, err)
		}
	}
}

// TestEarlierObjectsHaveAllFields: what an object does not have cannot get lost.
func TestEarlierObjectsHaveAllFields(t *testing.T) {
	objects := map[string][]any{}
	for _, path := range earlierObjects(t) {
		object := readObject(t, path)
		plural := strings.ToLower(object.GetKind()) + "s"
		objects[plural] = append(objects[plural], object.Object)
	}
	for _, plural := range plurals {
		assertShown(t, plural, schemaOf(t, earlier, plural), objects[plural])
	}
}

// assertShown fails unless some of the values has each field of the schema.
func assertShown(t *testing.T, path string, schema *apiextensionsv1.JSONSchemaProps, values []any) {
	t.Helper()
	if len(values) == 0 {
		t.Errorf("%s is in no object of %s", path, earlier)
		return
	}
	if schema.Items != nil {
		var items []any
		for _, value := range values {
			items = append(items, value.([]any)...)
		}
		assertShown(t, path+"[]", schema.Items.Schema, items)
	}
	for name, property := range schema.Properties {
		var fields []any
		for _, value := range values {
			if field, there := value.(map[string]any)[name]; there {
				fields = append(fields, field)
			}
		}
		assertShown(t, path+"."+name, &property, fields)
	}
}

func earlierObjects(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(earlier + "/nftgateway*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no objects: %v", err)
	}
	return paths
}

// install replaces the CRDs, and deletes all objects with them.
func install(t *testing.T, folder string) {
	t.Helper()
	var files []string
	for _, plural := range plurals {
		files = append(files, "--filename", crdFile(folder, plural))
	}
	for _, command := range [][]string{{"delete", "--ignore-not-found"}, {"apply", "--server-side"}} {
		if output, err := kube.Kubectl(t.Context(), append(command, files...)...); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
	}
	if _, err := kube.Kubectl(t.Context(), append([]string{"wait", "--for=condition=Established", "--timeout=30s"}, files...)...); err != nil {
		t.Fatal(err)
	}
	awaitServed(t, "nftgatewayhosts.status")
}

// awaitServed waits until the API server knows a field: it takes a moment after
// a CRD changed.
func awaitServed(t *testing.T, field string) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, err = kube.Kubectl(t.Context(), "explain", field); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// store creates an object with its status, and returns it as the API server has it.
func store(t *testing.T, path string) *unstructured.Unstructured {
	t.Helper()
	object := readObject(t, path)
	status, told := object.Object["status"]
	if err := api.Create(t.Context(), object, client.FieldValidation("Strict")); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if told {
		object.Object["status"] = status
		if err := api.Status().Update(t.Context(), object, client.FieldValidation("Strict")); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	return object
}

// assertKept fails unless everything is in the object that was in it.
func assertKept(t *testing.T, path string, before, now any) {
	t.Helper()
	switch before := before.(type) {
	case map[string]any:
		fields, _ := now.(map[string]any)
		for name, value := range before {
			if name != "managedFields" {
				assertKept(t, path+"."+name, value, fields[name])
			}
		}
	case []any:
		list, _ := now.([]any)
		if len(list) != len(before) {
			t.Errorf("%s was %v and is %v", path, before, now)
			return
		}
		for i, value := range before {
			assertKept(t, path+"[]", value, list[i])
		}
	default:
		if !apiequality.Semantic.DeepEqual(before, now) {
			t.Errorf("%s was %v and is %v", path, before, now)
		}
	}
}

// assertUpdatable writes an object as it is, and then with an annotation more.
func assertUpdatable(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	same := object.DeepCopy()
	if err := api.Update(t.Context(), same, client.FieldValidation("Strict")); err != nil || same.GetGeneration() != object.GetGeneration() {
		t.Errorf("an update that changes nothing: generation %d, before %d: %v", same.GetGeneration(), object.GetGeneration(), err)
	}
	base := same.DeepCopy()
	same.SetAnnotations(map[string]string{v1alpha1.AnnotationCheck: "1"})
	if err := api.Patch(t.Context(), same, client.MergeFrom(base)); err != nil {
		t.Errorf("an annotation: %v", err)
	}
}

// assertOperatorWrites writes what the operator writes, with its types and rights.
func assertOperatorWrites(t *testing.T, operator client.Client, object *unstructured.Unstructured) {
	t.Helper()
	degraded := metav1.Condition{Type: v1alpha1.ConditionDegraded, Status: metav1.ConditionFalse, Reason: "AsIntended"}
	key := client.ObjectKeyFromObject(object)
	if object.GetKind() == "NftGatewayHost" {
		var host v1alpha1.NftGatewayHost
		patch(t, operator, key, &host, true, func() {
			apimeta.SetStatusCondition(&host.Status.Conditions, degraded)
			host.Status.AppliedStructure, host.Status.OverLimit = "5c", []v1alpha1.OverLimit{{Service: "shop/web", Packets: 1}}
		})
		if host.Status.AppliedStructure == "" || !apimeta.IsStatusConditionFalse(host.Status.Conditions, degraded.Type) {
			t.Errorf("the status is %+v", host.Status)
		}
		return
	}
	var gateway v1alpha1.NftGateway
	patch(t, operator, key, &gateway, true, func() { apimeta.SetStatusCondition(&gateway.Status.Conditions, degraded) })
	if !apimeta.IsStatusConditionFalse(gateway.Status.Conditions, degraded.Type) {
		t.Errorf("the status is %+v", gateway.Status)
	}
	for _, finalizers := range [][]string{{"nft-operator.io/gateway"}, nil} {
		patch(t, operator, key, &gateway, false, func() { gateway.Finalizers = finalizers })
	}
}

// patch changes an object, or its status, as the operator does.
func patch(t *testing.T, operator client.Client, key client.ObjectKey, object client.Object, status bool, change func()) {
	t.Helper()
	// The operator reads from what it watches, and has no right to read a single one.
	if err := api.Get(t.Context(), key, object); err != nil {
		t.Fatal(err)
	}
	base := object.DeepCopyObject().(client.Object)
	change()
	difference := client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})
	var err error
	if status {
		err = operator.Status().Patch(t.Context(), object, difference)
	} else {
		err = operator.Patch(t.Context(), object, difference)
	}
	if err != nil {
		t.Errorf("the operator cannot write %s: %v", key, err)
	}
}

// operatorClient has the rights of the operator.
func operatorClient(t *testing.T) client.Client {
	t.Helper()
	token, err := kube.OperatorToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(kube.Config)
	config.BearerToken = token
	operator, err := client.New(config, client.Options{Scheme: api.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return operator
}
