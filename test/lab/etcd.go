package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// PutInEtcd writes an object past the API server, and so past its validation.
// The key is for example
// /registry/nft-operator.io/nftgateways/NAMESPACE/NAME, the object JSON.
func (c *ControlPlane) PutInEtcd(ctx context.Context, key string, object any) error {
	value, err := json.Marshal(object)
	if err != nil {
		return err
	}
	// etcd takes and gives bytes as base64 here, as encoding/json does.
	body, err := json.Marshal(map[string][]byte{"key": []byte(key), "value": value})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+etcdAddress+"/v3/kv/put", bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("put %s in etcd: %w", key, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(response.Body)
		return fmt.Errorf("put %s in etcd: %s: %s", key, response.Status, answer)
	}
	return nil
}
