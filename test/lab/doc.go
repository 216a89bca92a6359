// Package lab is a small world of real parts in which the operator is shown,
// tested and measured: etcd and kube-apiserver, gateway hosts with files and an
// sshd of their own, a client on the public side, a node on the cluster side,
// and real packets between them.
//
// Everything lives in namespaces that die with their first process, so nothing
// has to be cleaned up and nothing can be left behind. A test binary or a
// command enters them by calling [Isolate] first:
//
//	func TestMain(m *testing.M) {
//		lab.Isolate(lab.Isolation{ControlPlane: true})
//		os.Exit(m.Run())
//	}
//
// and then builds what it needs with [NewTopology] and [StartControlPlane].
// README.md shows the topology.
package lab
