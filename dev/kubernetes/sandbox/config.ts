import { join } from 'node:path'
import { NODE_NAME } from '../pki.ts'
import { HOST_NAME, NODE_ADDRESS } from './addresses.ts'

/** The containerd configuration of a node whose files are in `dir`. */
export function containerdConfig(dir: string, pauseImage: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"'
  return `version = 2
root = "${join(dir, 'containerd')}"
state = "/run/containerd"
oom_score = 0
[grpc]
  address = "/run/containerd/containerd.sock"
[${cri}]
  sandbox_image = "${pauseImage}"
  # Without CAP_SYS_RESOURCE, which containers of CI lack, a negative oom_score_adj may not be written.
  restrict_oom_score_adj = true
[${cri}.containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"
[${cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[${cri}.containerd.runtimes.runc.options]
  SystemdCgroup = false
[${cri}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${join(dir, 'cni')}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${join(dir, 'containerd', 'opt')}"
`
}

/** The kubelet's configuration. */
export function kubeletConfig(dir: string): object {
  const socket = 'unix:///run/containerd/containerd.sock'
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    failSwapOn: false,
    containerRuntimeEndpoint: socket,
    imageServiceEndpoint: socket,
    clusterDomain: 'cluster.local',
    clusterDNS: [NODE_ADDRESS],
    resolvConf: join(dir, 'no-resolv.conf'),
    podLogsDir: join(dir, 'log', 'pods'),
    oomScoreAdj: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(dir, 'pki', 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    // A full disk of the machine must not evict a test's pods, nor remove the images that cannot be pulled again.
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
      'nodefs.inodesFree': '1%',
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    nodeStatusUpdateFrequency: '10s',
    syncFrequency: '10s',
    maxPods: 110,
    serializeImagePulls: false,
    // Tolerates sysctls and a /dev/kmsg that are refused.
    featureGates: { KubeletInUserNamespace: true },
  }
}

/** The kube-proxy's configuration. */
export function proxyConfig(kubeconfig: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    clusterCIDR: '10.244.0.0/16',
    hostnameOverride: NODE_NAME,
    clientConnection: { kubeconfig },
    // Machine-wide settings, which a network namespace may not change.
    conntrack: { maxPerCore: 0, min: 0 },
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    iptables: { minSyncPeriod: '100ms', syncPeriod: '30s' },
  }
}

/** The pods' network: the bridge that the sandbox already has. */
export function networkConfig(): object {
  return {
    cniVersion: '1.0.0',
    name: 'penstock',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: '/run/cni-ipam',
          ranges: [[{ subnet: '10.244.0.0/24' }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  }
}

/** CoreDNS's configuration: the cluster's names, the host's, and a quick no to all others, for there is no uplink. */
export function dnsConfig(kubeconfig: string): string {
  const domain = HOST_NAME.slice(HOST_NAME.indexOf('.') + 1)
  return `cluster.local in-addr.arpa {
    bind ${NODE_ADDRESS}
    errors
    ready 127.0.0.1:8182
    kubernetes cluster.local in-addr.arpa {
        kubeconfig ${kubeconfig} penstock
        pods insecure
        ttl 5
        fallthrough in-addr.arpa
    }
    cache 5
}
${domain} {
    bind ${NODE_ADDRESS}
    hosts {
        ${NODE_ADDRESS} ${HOST_NAME}
    }
}
. {
    bind ${NODE_ADDRESS}
    template ANY ANY {
        rcode NXDOMAIN
    }
}
`
}
