import "@/components/ui/words.fr";
import "@/features/chat/words.fr";
import "@/features/knowledge/words.fr";
import "@/features/login/words.fr";
import "@/features/people/words.fr";
import "@/features/profile/words.fr";
import "../words.fr";
