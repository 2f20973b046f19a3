/** The address of the node, of the pods' gateway and of the DNS server: one bridge is all of them. */
export const NODE_ADDRESS = '10.244.0.1'

/** The name by which pods, and processes beside them, reach servers in the sandbox. */
export const HOST_NAME = 'host.penstock.test'

/** The ports of the cluster's own servers; nothing else is in the sandbox when they are taken. */
export const PORTS = { api: 6443, etcd: 6444, etcdPeer: 6445, controllers: 6446, scheduler: 6447 } as const
