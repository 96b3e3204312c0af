// What a node of a cluster is told besides what every node is.

/** How the other nodes reach this one, and how they know each other. Everything may be left out. */
export interface ClusterOptions {
  /** Address that frames from other nodes are taken at. Default 127.0.0.1. */
  readonly host?: string;
  /** Port that frames from other nodes are taken at; 0: the system chooses. */
  readonly port?: number;
  /** `host:port` at which the other nodes reach this one, where that is not `host` and `port`. */
  readonly advertise?: string;
  /** What all nodes of the network know, and nobody else; two while it is being changed. It never travels. */
  readonly secret?: string | readonly string[];
  /** PEM texts: with them nodes speak TLS, and each checks the other's certificate. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
  /** Milliseconds that a claim on a partition holds when its node is gone. */
  readonly leaseMs?: number;
  /** `host:port` of this node's HTTP door, told to whoever asks for the cluster. */
  readonly http?: string;
}
